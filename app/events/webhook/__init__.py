"""Events posted to an address: one worker sends those of all, each until it has arrived.

What the receiver gets is CloudEvents 1.0 in JSON, or Slack's form, signed as Standard Webhooks
has it.
"""
