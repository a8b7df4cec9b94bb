-- For wrk: creates an order under a fresh key with every request, or repeats a number of them.
-- Arguments: the run's name, the number of keys (0: all fresh), whether a tenth is one user's.

local count = 0
local run, keys, is_skewed

function init(args)
  run = args[1]
  keys = tonumber(args[2])
  is_skewed = args[3] == "true"
end

-- Bodies have one length and prices differ, so that sums tell a lost order from a doubled one.
local template = "POST /orders HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
  .. "Content-Length: 150\r\nIdempotency-Key: %s-%d\r\n\r\n"
  .. '{"userId":"00000000-0000-4000-a000-%012d",'
  .. '"lines":[{"sku":"tea-1","quantity":2,"unitPrice":%d},'
  .. '{"sku":"cup-1","quantity":1,"unitPrice":900}]}'

local function user_of(number)
  if not is_skewed then return number % 1000 end
  if number % 10 == 0 then return 0 end
  return 1 + (number - math.floor(number / 10)) % 999
end

function request()
  count = count + 1
  local number = keys == 0 and count or count % keys
  return string.format(template, run, number, user_of(number), 1000 + number % 9000)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\nresult {"requests":%d,"durationUs":%d,"p50Us":%d,"p99Us":%d,"non2xx":%d,"errors":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
