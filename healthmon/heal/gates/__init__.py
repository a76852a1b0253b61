"""What may speak against a restart? A function a question; `heal/policy.py` holds their list.

A gate reads the situation and nothing else. It answers `Passed`, with the values that it looked at, or with the decision
that holds as long as it objects: its verdict, its reason and, where time alone lifts it, until when. A new gate is a
function in the file of its kind, a `HealReason`, its words in `heal/words.py`, a line in the list and a case in
tests/unit/test_heal_policy.py.
"""
