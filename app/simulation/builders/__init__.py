"""The parts a generated city is made of: grids, units, people."""
