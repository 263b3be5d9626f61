"""A notebook with its parameters becomes an executed notebook and a page."""
