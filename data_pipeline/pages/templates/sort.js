for (const button of document.querySelectorAll('th button')) button.onclick = () => {
  const heading = button.parentElement, table = heading.closest('table'), column = heading.cellIndex;
  const order = heading.ariaSort === 'ascending' ? 'descending' : 'ascending';
  for (const other of heading.parentElement.cells) other.ariaSort = null;
  heading.ariaSort = order;
  const text = row => row.cells[column].innerText, sign = order === 'ascending' ? 1 : -1;
  const rows = [...table.tBodies[0].rows];
  rows.sort((a, b) => sign * text(a).localeCompare(text(b), 'en', {numeric: true}));
  table.tBodies[0].append(...rows);
};
