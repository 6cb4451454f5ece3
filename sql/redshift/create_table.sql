CREATE TABLE IF NOT EXISTS {{ target }} (
    {{ definitions }}
)
{{ attributes }}
