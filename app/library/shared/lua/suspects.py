"""The step that Redis takes with suspects, in Lua."""

from __future__ import annotations

from typing import Final

from app.library.shared.lua.beginning import LARGEST, READING

EXCHANGE: Final = (
    READING
    + LARGEST
    + """
local records, seen, callers = unpack(KEYS)
local most, spare, lives, time = unpack(ARGV)
local told, now = cjson.decode(ARGV[5]), moment(time)

for _, key in ipairs(KEYS) do
  if type(redis.pcall('HLEN', key)) == 'table' then
    redis.call('DEL', key)
  end
end

local function forget(id)
  redis.call('HDEL', records, id)
  redis.call('HDEL', seen, id)
end

local function told_of(id)
  local told = redis.call('HGET', seen, id) or ''
  local last, target, caller = string.match(told, '^(%d+) (%d+) (.*)$')
  last = number(last)
  return last and {
    id = id, last = math.min(last, now), target = target, caller = caller, odd = last > now
  }
end

local function keep(one)
  redis.call('HSET', seen, one.id, digits(one.last) .. ' ' .. one.target .. ' ' .. one.caller)
end

for _, one in ipairs(told.new) do
  if redis.call('HSETNX', records, one.id, one.record) == 1 then
    keep({id = one.id, last = now, target = one.target, caller = one.caller})
    redis.call('HSET', callers, one.id .. ' ' .. one.caller, 1)
  end
end
for _, one in ipairs(told.seen) do
  local kept = redis.call('HEXISTS', records, one.id) == 1 and told_of(one.id)
  if kept then
    kept.last = now
    keep(kept)
    local field = one.id .. ' ' .. one.caller
    local count = number(redis.call('HGET', callers, field) or '0') or 0
    redis.call('HSET', callers, field, digits(count + one.count))
  end
end
for _, id in ipairs(told.gone) do
  forget(id)
end

local left = {}
for _, id in ipairs(redis.call('HKEYS', records)) do
  local one = told_of(id)
  if one and one.last > now - tonumber(lives) then
    left[#left + 1] = one
    if one.odd then
      keep(one)
    end
  else
    forget(id)
  end
end

if #left > tonumber(most) then
  table.sort(left, function(a, b)
    return a.last == b.last and a.id < b.id or a.last < b.last
  end)
  local groups = {}
  for _, one in ipairs(left) do
    groups[one.caller] = groups[one.caller] or {size = 0, targets = {}}
    local targets = groups[one.caller].targets
    targets[one.target] = targets[one.target] or {size = 0, first = 1}
    local group = targets[one.target]
    group[#group + 1] = one
    group.size = group.size + 1
    groups[one.caller].size = groups[one.caller].size + 1
  end
  for _ = 1, #left - tonumber(most) + tonumber(spare) do
    local whose = largest(groups)
    local group = largest(whose.targets)
    forget(group[group.first].id)
    group.first, group.size, whose.size = group.first + 1, group.size - 1, whose.size - 1
  end
end

for _, key in ipairs({seen, callers}) do
  for _, field in ipairs(redis.call('HKEYS', key)) do
    if redis.call('HEXISTS', records, string.match(field, '^[^ ]*')) == 0 then
      redis.call('HDEL', key, field)
    end
  end
end

local known, unknown = {}, {}
for _, id in ipairs(told.known) do
  known[id] = true
end
for _, id in ipairs(redis.call('HKEYS', records)) do
  if not known[id] then
    unknown[#unknown + 1] = id
    unknown[#unknown + 1] = redis.call('HGET', records, id)
  end
end
return {redis.call('HGETALL', seen), redis.call('HGETALL', callers), unknown, digits(now)}
"""
)
"""KEYS: suspects, when each was seen, by whom.
ARGV: how many are kept, how many places are made at once, how long one is kept in microseconds, the
moment or ''; JSON: {"new": [{"id", "record", "target", "caller"}], "seen": [{"id", "caller",
"count"}], "gone": [id], "known": [id]}.
What nobody has seen for so long goes, and what can't be read when; where there are too many, of the
caller who has most, of the class of which he has most, the one not seen for the longest time.
Returns of each "<last seen> <target> <whose>", of each with each caller in how many images, the
records of those that aren't known, and the moment."""
