-- wrk: every write carries 16 requests.
init = function(args)
  local requests = {}
  for i = 1, 16 do requests[i] = wrk.format("GET", "/0/x") end
  batch = table.concat(requests)
end
request = function() return batch end
