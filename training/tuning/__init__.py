"""Search for the settings that a model learns best with, by cross-validation: `ser tune`.

`space` says which settings are searched, `study` draws and stores trials, `trial` has their results and when to give
one up, `trial_training` runs a trial, `search` runs all of them, `search_files` writes the results, `tuning_page` and
`terminal` show them.
"""
