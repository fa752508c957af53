-- Stands before add-jobs.lua, and is given the same: adds no job of a batch of which there are jobs. Replies then with one of
-- them alone, its data and its id. The tag of the batch is the last of the first job's.
do
  local caller, tags = ARGV[5], tagsOf(ARGV[8])
  for _, set in ipairs({'open', unpack(FINAL_SETS)}) do
    for _, id in ipairs(redis.call('ZRANGE', indexOfTag(set, tags[#tags], caller), 0, -1)) do
      local job = keyOf(id)
      if redis.call('EXISTS', job) == 1 then return {{readJob(job), redis.call('HGET', job, 'data'), id}} end
    end
  end
end
