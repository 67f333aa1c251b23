-- What wrk found, as one line that the driver reads; with "pipeline N", N requests at a time; with
-- "files PATH N tree", each request is for any of the N files that curves has made below that path,
-- and with "folder" of those in it.
local requests

function init(args)
	if args[1] == "pipeline" then
		requests = string.rep(wrk.format(), tonumber(args[2]))
		request = function() return requests end
	elseif args[1] == "files" then
		local path, count, tree = args[2], tonumber(args[3]), args[4] == "tree"
		request = function()
			local i = math.random(0, count - 1)
			local below = tree and string.format("%02d/%02d/", i % 100, math.floor(i / 100) % 100)
			return wrk.format(nil, path .. (below or "") .. i)
		end
	end
end

function done(summary, latency)
	local e = summary.errors
	print(string.format("found %d %d %d %d", summary.requests, summary.duration,
		latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
