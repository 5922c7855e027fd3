"""The parts of `bench/load_evidence.py`: an installation of its own, its people, and what is checked afterwards."""
