"""How each family of models is trained, from its initial weights to a run folder; a module a family."""
