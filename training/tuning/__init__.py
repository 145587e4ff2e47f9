"""Search for the settings that a model learns best with: `ser tune`."""
