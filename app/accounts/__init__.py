"""Units in four levels, the people in them, what each may do, and signing in."""
