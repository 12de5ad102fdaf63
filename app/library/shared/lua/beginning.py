"""What every script begins with: reading that trips over nothing, and the store's own clock.

Anybody who may write the keys may leave anything in them. A number that is none counts as not
there; a key of another type is empty to read, and goes before something is written to it.
"""

READING = """
local function number(text)
  if text == '0' then
    return 0
  end
  if type(text) == 'string' and string.match(text, '^[1-9]%d*$') and #text <= 16 then
    local value = tonumber(text)
    return value <= 9007199254740992 and value or nil  -- 2^53: above it numbers have gaps
  end
end

local function text(key)
  local got = redis.pcall('GET', key)
  return type(got) == 'string' and got or nil
end

local function whole(key)
  local got = redis.pcall('HGETALL', key)
  return got.err and {} or got
end

local function fields(key)
  local flat, found = whole(key), {}
  for i = 1, #flat, 2 do
    found[flat[i]] = flat[i + 1]
  end
  return found
end

local function moment(told)
  if told ~= '' then
    return tonumber(told)
  end
  local now = redis.call('TIME')
  return tonumber(now[1]) * 1000000 + tonumber(now[2])
end

local function digits(value)
  return string.format('%.0f', value)  -- Lua itself would write 1.7e+15
end
"""
"""``moment`` is now in microseconds since 1970 by the server's clock, if no other is *told*."""

LARGEST = """
local function largest(groups)
  local found
  for _, group in pairs(groups) do
    if not found or group.size > found.size then
      found = group
    end
  end
  return found
end
"""
"""Of *groups*, each with a ``size``."""

CHANGING = (
    READING
    + """
local version, triggers, hits, seen, samples, callers, news = unpack(KEYS)

local function mend(key)
  if type(redis.pcall('HLEN', key)) == 'table' then
    redis.call('DEL', key)
    return true
  end
end

local function raise(mark)
  local current = text(version) or ''
  local next = digits((number(string.match(current, '^%d+')) or 0) + 1) .. '-' .. mark
  redis.call('SET', version, next)
  local function tell()
    return redis.pcall('XADD', news, 'MAXLEN', '1', '*', 'version', next)
  end
  if type(tell()) == 'table' then  -- another type, or nothing fits behind what somebody has added
    redis.pcall('DEL', news)
    tell()  -- who may not must still change
  end
  return next
end

local function give_up(id)
  redis.call('HDEL', triggers, id)
  redis.call('HDEL', hits, id)
  redis.call('HDEL', seen, id)
  redis.call('HDEL', callers, id)
  for i = 0, 7 do
    redis.call('HDEL', samples, id .. '/' .. i)
  end
end
"""
)
"""KEYS: version, triggers, hits, seen, samples, callers, news. What every change begins with.

All workers wait for what is put on ``news``, so that each has a change at once."""
