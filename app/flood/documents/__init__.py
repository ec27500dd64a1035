"""Reports as documents: what stands in them, as Word and as PDF."""
