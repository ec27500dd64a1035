"""What a case may be about: classes, filing conditions and limits, in versions by date."""
