-- Who posts to a hook and what it signs with: of whichever group, because nothing else says whose it is.
select hook.group_id, hook.rooftop, hook.profile, hook.profile_yaml, hook.source, hook.former_until,
       kept.secret, kept.former
from ingestion.hook hook
join ingestion.hook_secret kept using (group_id, hook_id)
where hook.hook_id = $1
