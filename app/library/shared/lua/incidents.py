"""The steps that Redis takes with incidents, in Lua."""

from __future__ import annotations

from typing import Final

from app.library.shared.lua.beginning import LARGEST, READING

KEEP: Final = (
    READING
    + LARGEST
    + """
local incidents, records = unpack(KEYS)
local most, spare, lives, time = unpack(ARGV)

if redis.pcall('ZCARD', incidents) ~= redis.pcall('HLEN', records) then
  for _, key in ipairs(KEYS) do
    if type(redis.pcall(key == incidents and 'ZCARD' or 'HLEN', key)) == 'table' then
      redis.call('DEL', key)
    end
  end
  if redis.call('ZCARD', incidents) == 0 then
    redis.call('DEL', records)
  end
end

-- With another score one lies out of the order of the names, in which all of them are sought.
for _, range in ipairs({{'(0', '+inf'}, {'-inf', '(0'}}) do
  local odd = redis.call('ZRANGE', incidents, range[1], range[2], 'BYSCORE', 'LIMIT', 0, 1000)
  for _, member in ipairs(odd) do
    redis.call('ZADD', incidents, 0, member)
  end
end

local function forget(members)
  for _, member in ipairs(members) do
    redis.call('ZREM', incidents, member)
    redis.call('HDEL', records, string.match(member, '^[^ ]*'))
  end
end

local function surplus(count)
  local keys, gone = {}, {}
  for _, member in ipairs(redis.call('ZRANGE', incidents, 0, -1)) do
    local key, trigger = string.match(member, '^[^ ]* ([^ ]*) (.*)$')
    key, trigger = key or '', trigger or ''
    keys[key] = keys[key] or {size = 0, triggers = {}}
    local triggers = keys[key].triggers
    triggers[trigger] = triggers[trigger] or {size = 0, first = 1}
    local group = triggers[trigger]
    group[#group + 1] = member
    group.size = group.size + 1
    keys[key].size = keys[key].size + 1
  end
  for i = 1, count do
    local key = largest(keys)
    local group = largest(key.triggers)
    gone[i] = group[group.first]
    group.first, group.size, key.size = group.first + 1, group.size - 1, key.size - 1
  end
  return gone
end

for i = 5, #ARGV, 2 do
  redis.call('ZADD', incidents, 0, ARGV[i])
  redis.call('HSET', records, string.match(ARGV[i], '^[^ ]*'), ARGV[i + 1])
end
local first = string.format('%016.0f', moment(time) - tonumber(lives))
forget(redis.call('ZRANGEBYLEX', incidents, '-', '(' .. first, 'LIMIT', 0, 1000))
local held = redis.call('ZCARD', incidents)
if held > tonumber(most) then
  forget(surplus(held - tonumber(most) + tonumber(spare)))
end
"""
)
"""KEYS: incidents, their records. ARGV: how many are kept, how many places are made at once, how
long one is kept in microseconds, the moment or ''; then of each "id key trigger", its record."""

SEEK: Final = (
    READING
    + """
local incidents, records = unpack(KEYS)
local count, before, since, trigger, lives, time = unpack(ARGV)
local first = math.max(tonumber(since), moment(time) - tonumber(lives))
local least = '[' .. string.format('%016.0f', first)
local below, found = before == '' and '+' or '(' .. before, {}
local left = tonumber(redis.pcall('ZCARD', incidents)) or 0
repeat
  local members = redis.pcall('ZREVRANGEBYLEX', incidents, below, least, 'LIMIT', 0, 500)
  for _, member in ipairs(members) do
    local id, of = string.match(member, '^([^ ]*) [^ ]* (.*)$')
    if id and (trigger == '' or of == trigger) then
      local record = redis.pcall('HGET', records, id)
      found[#found + 1] = id
      found[#found + 1] = type(record) == 'string' and record or ''
      if #found >= 2 * tonumber(count) then
        return found
      end
    end
  end
  below = members[1] and '(' .. members[#members]
  left = left - #members  -- out of their order they would be found again and again
until #members < 500 or left <= 0
return found
"""
)
"""KEYS: as KEEP. ARGV: how many, before which id or '', since when in microseconds, of which
trigger or '', how long one is kept in microseconds, the moment or ''.
Returns ids and records, newest first."""
