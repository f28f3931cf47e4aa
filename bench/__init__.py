"""Side-by-side measurements: this server beside a textbook one, in one run on one machine. Imported by nothing but itself and its tests."""
