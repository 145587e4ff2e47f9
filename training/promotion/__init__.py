"""Whether a challenger, trained on more data, takes a champion's place.

`combined_data` makes the data and decides who measures, `challenger` trains and measures, `paired_answers` holds the
predictions of both models, `rule` decides, `decision_files` and `decision_page` write the decision down.
"""
