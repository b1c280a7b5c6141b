select group_id, display_name, created_at from directory.dealer_group where group_id = $1
