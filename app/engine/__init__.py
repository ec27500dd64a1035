"""The only room that knows SpiffWorkflow: definitions in, states in, states out."""
