-- Replies with the ids of those jobs that were canceled while they ran. ARGV: the mark, ids.
local marked = {}
for i = 2, #ARGV do
  if redis.call('HGET', keyOf(ARGV[i]), 'defa') == ARGV[1] then marked[#marked + 1] = ARGV[i] end
end
return marked
