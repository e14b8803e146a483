-- wrk: posts beacons with a new id each, from a few agents, over a few pages, by BENCH_VISITORS visitors in turn (0: each
-- beacon by a new one, with an agent that nobody has seen); each connection BENCH_PACE times a second, 0: as often as it can.
local agents = {
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1",
  "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
  "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
}
local key = os.getenv("BENCH_SITE")
local path = os.getenv("BENCH_PATH")
local visitors = tonumber(os.getenv("BENCH_VISITORS") or "0")
local addresses = {}
local thread_number = 0
function setup(thread) thread:set("number", thread_number); thread_number = thread_number + 1 end
local r = math.random
local function address() return string.format("81.%d.%d.%d", r(0, 255), r(0, 255), r(1, 254)) end
function init()
  math.randomseed(os.time() * 1000 + number * 7919)
  for n = 1, visitors do addresses[n] = address() end
end
local template = '{"v":1,"site":"%s","id":"%08x-%04x-4%03x-8%03x-%06x%06x","page":"6f9619ff-8b86-4011-b42d-00c04fc964ff","sent":%d000,' ..
  '"build":"a1b2c3","url":"https://shop.example/products/%d?utm_source=newsletter&utm_medium=email","referrer":"https://www.google.com/",' ..
  '"title":"Product %d, our shop","tz":"Europe/Zurich","lang":"de-CH","screen":[1440,900],"viewport":[1200,700],' ..
  '"events":[{"name":"pageview","at":%d000,"props":{}}]}'
function request()
  local now = os.time()
  local n = r(1, 500)
  local body = string.format(template, key, r(0, 0x7fffffff), r(0, 65535), r(0, 4095), r(0, 4095), r(0, 0xffffff), r(0, 0xffffff), now, n, n, now)
  local agent = agents[r(1, 4)]
  if visitors == 0 then agent = agent .. " Build/" .. r(0, 0x7fffffff) end
  return wrk.format("POST", path, {
    ["Content-Type"] = "text/plain", ["User-Agent"] = agent, ["X-Forwarded-For"] = visitors > 0 and addresses[r(1, visitors)] or address(),
    ["Accept-Language"] = "de-CH,de;q=0.9", ["Sec-CH-UA-Platform"] = '"Windows"' }, body)
end
local pace = tonumber(os.getenv("BENCH_PACE") or "0")
if pace > 0 then
  function delay() return math.floor(1000 / pace * (0.5 + r())) end
end
function done(summary, latency, requests)
  io.write(string.format('RESULT {"requests":%d,"seconds":%.6f,"errors":%d,"bad":%d,"p50_us":%d,"p99_us":%d,"max_us":%d}\n', summary.requests, summary.duration / 1e6,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout, summary.errors.status,
    latency:percentile(50), latency:percentile(99), latency.max))
end
