"""What pages of several rooms share about an item of such a process."""
