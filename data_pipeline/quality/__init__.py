"""What is wrong with the clips of a corpus: the useless ones, the doubtful ones, and those that repeat each other."""
