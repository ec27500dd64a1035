"""Where a case is: districts, streets, responsibility grids and unit grids."""
