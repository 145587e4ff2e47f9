// What is wrong with how the page that is open looks: sentences. Parameter: the smallest text of a figure, in pixels.
smallest => {
  const found = [], view = document.documentElement;
  const name = element => `<${element.tagName.toLowerCase()} class="${element.className}"> ` +
    `"${(element.textContent || '').trim().slice(0, 40)}"`;
  const seen = element => element.checkVisibility() && !element.closest('.skip') && element.getClientRects().length;
  const crossing = (a, b, across, down) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > across &&
    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > down;

  if (view.scrollWidth > view.clientWidth) found.push(`the page is ${view.scrollWidth} pixels wide`);

  for (const element of document.querySelectorAll('body *')) {
    if (!seen(element) || element.closest('svg') || element.closest('.scroll table')) continue;
    const box = element.getBoundingClientRect();
    if (box.left < -0.5 || box.right > view.clientWidth + 0.5) found.push(`${name(element)} leaves the page`);
    if (!element.matches('.scroll') && element.clientWidth && element.scrollWidth > element.clientWidth + 1)
      found.push(`${name(element)} does not fit its box`);
  }
  for (const cell of document.querySelectorAll('td, th'))
    if (seen(cell) && cell.scrollWidth > cell.clientWidth + 1) found.push(`${name(cell)} does not fit its cell`);

  // Words are broken where there is no other way, and that is only with long names.
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = document.createRange();
  while (texts.nextNode()) {
    const node = texts.currentNode;
    if (!seen(node.parentElement) || node.parentElement.closest('svg, script')) continue;
    for (const word of node.data.matchAll(/(?<![\w.])[\w.%]{2,14}(?![\w.])/g)) {
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      const tops = new Set([...range.getClientRects()].map(box => Math.round(box.top)));
      if (tops.size > 1) found.push(`"${word[0]}" of ${name(node.parentElement)} is broken`);
    }
  }
  const parents = 'body, header, main, section, nav, .facts, .facts div, .grid, .row, .card, tr';
  for (const parent of document.querySelectorAll(parents)) {
    const boxes = [...parent.children].filter(seen).map(child => [child, child.getBoundingClientRect()]);
    boxes.forEach(([child, box], index) => boxes.slice(index + 1).forEach(([other, another]) => {
      if (crossing(box, another, 1, 1) && getComputedStyle(child).position !== 'sticky')
        found.push(`${name(child)} is printed over ${name(other)}`);
    }));
  }

  for (const svg of document.querySelectorAll('svg')) {
    if (!seen(svg)) continue;
    const frame = svg.getBoundingClientRect(), texts = [];
    for (const text of svg.querySelectorAll('text')) {
      const matrix = text.getScreenCTM(), size = parseFloat(getComputedStyle(text).fontSize);
      const shown = size * Math.hypot(matrix.a, matrix.b), box = text.getBoundingClientRect();
      if (shown < smallest) found.push(`"${text.textContent}" of a figure has ${shown.toFixed(1)} pixels`);
      if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 ||
          box.bottom > frame.bottom + 1) found.push(`"${text.textContent}" is cut off by its figure`);
      // The box of a text that is turned by another angle says little.
      if (Math.min(Math.abs(matrix.a), Math.abs(matrix.b)) < 1e-3) texts.push([text.textContent, box]);
    }
    texts.forEach(([text, box], index) => texts.slice(index + 1).forEach(([other, another]) => {
      // The box of a text has room for ascenders and descenders, which numbers have not.
      if (crossing(box, another, 2, 0.35 * Math.min(box.height, another.height)))
        found.push(`"${text}" is printed over "${other}" in a figure`);
    }));
  }

  // Contrast of texts by WCAG 2.2 (1.4.3, level AA).
  const parse = colour => {
    const [red, green, blue, opacity = 1] = colour.match(/[\d.]+/g).map(Number);
    return {rgb: [red, green, blue], opacity};
  };
  const behind = element => {
    const layers = [];
    for (let each = element; each; each = each.parentElement)
      layers.unshift(parse(getComputedStyle(each).backgroundColor));
    return layers.reduce((below, layer) =>
      below.map((value, index) => value * (1 - layer.opacity) + layer.rgb[index] * layer.opacity), [255, 255, 255]);
  };
  const luminance = rgb => {
    const linear = rgb.map(value => value / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  for (const element of document.querySelectorAll('body *')) {
    if (!seen(element) || element.closest('svg, audio')) continue;
    if (![...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())) continue;
    const both = [luminance(parse(getComputedStyle(element).color).rgb), luminance(behind(element))];
    const ratio = (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
    if (ratio < 4.5) found.push(`${name(element)} has a contrast of ${ratio.toFixed(1)}`);
  }
  return [...new Set(found)];
}
