"""Heat, water and gas: registers, boards, and the homes that a site serves."""
