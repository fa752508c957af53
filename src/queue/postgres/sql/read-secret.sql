SELECT value FROM bullmq.meta WHERE queue = '' AND field = 'secret'
