SELECT bytes FROM platform.secret
