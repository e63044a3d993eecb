"""The language of Haulage: what can happen, what it adds up to, and how it is stored.

Pure: nothing here waits, reads a clock or rolls dice. Everything else imports this package and
this package imports nothing of ours.
"""
