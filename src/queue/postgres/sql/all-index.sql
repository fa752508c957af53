accepted_all_jobs_by_status ON bullmq.job ((queue || ':' || ({{status}})), added_at_ms DESC, id COLLATE "C" DESC)
