"""The page shell: templates, static files, languages, error pages, security headers."""
