"""The detection core: numpy in, findings out; searches are generators that yield probes.

Nothing in this package does I/O, reads a clock, logs or awaits. The design and the words are those
of NEO (Udeshi et al., "Model Agnostic Defence against Backdoor Attacks in Machine Learning").
"""
