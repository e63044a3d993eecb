"""What the product does, told in files that are read as documentation and run as tests."""
