-- What wrk found, as one line that the driver reads; with "pipeline N", N requests at a time.
local requests

function init(args)
	if args[1] == "pipeline" then
		requests = string.rep(wrk.format(), tonumber(args[2]))
		request = function() return requests end
	end
end

function done(summary, latency)
	local e = summary.errors
	print(string.format("found %d %d %d %d", summary.requests, summary.duration,
		latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
