"""Programs that attack the promises of the README. Each ends with an exit code other than 0 if a promise is broken.

Each takes less than 10 minutes on a free core; the suite runs a quick form of each.
- On trainings: `kills` ends processes at random moments and resumes them; `ctrl_c` interrupts at random lines;
  `lost_ranks` ends or changes one of several ranks.
- With files: `fuzz` damages images, `fuzz_weights` weights and `fuzz_checkpoint` checkpoints; `odd_data` gives every
  demo tiny and odd images; `hostile_server` answers downloads as no server should.
- On the output: `terminals` runs every demo in other encodings and with closed streams.
Run one as `python -m tests.attacks.kills`.
"""
