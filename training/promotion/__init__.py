"""Whether a challenger takes a champion's place: the paired difference, the rule, and how the decision is shown."""
