"""Several runs that answer as one, with weights fitted on answers to speakers that whoever answered had not heard."""
