-- Holds the functions of this project, apart from BullMQ's.
CREATE SCHEMA IF NOT EXISTS accepted_queue
