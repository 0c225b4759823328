"""Explores a plan: every schedule of its workers, as far as the budget reaches.

The compiled programs that real workers run and the machines that real drivers use are one state
machine here (`machine`, with `model`, `local`, `acting`, `life`, `background` and `tables` behind
it). `prove` visits its states, `minimal` finds the shortest schedules, and `judge` tells what is
wrong in a state.
"""
