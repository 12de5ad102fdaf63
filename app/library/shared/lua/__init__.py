"""The steps that Redis takes as one, in Lua."""
