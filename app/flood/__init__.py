"""The flood room: rain, what it does to the points of the city, and the people who act."""
