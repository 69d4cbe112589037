"""Programs that show tickws at work: each is run by the tests."""
