-- One row: what is wrong with what was built, as numbers of rows.
SELECT
    (SELECT COUNT(*) FROM {{ beside }}) AS row_count,
    (SELECT COUNT(*) FROM {{ target }}) AS published_rows,
    (
        SELECT COUNT(*)
        FROM (SELECT 1 AS one FROM {{ beside }} GROUP BY {{ key | join(', ') }} HAVING COUNT(*) > 1) AS repeated
    ) AS repeated_keys,
    (SELECT COUNT(*) FROM {{ beside }} WHERE {% for column in key %}{{ column }} IS NULL{{ ' OR ' if not loop.last }}{% endfor %}) AS null_keys
    {%- for column, (lowest, highest) in ranges.items() %},
    (
        SELECT COUNT(*)
        FROM {{ beside }}
        WHERE {{ column }} IS NULL
            {%- if lowest is not none %} OR {{ column }} < {{ lowest }}{% endif %}
            {%- if highest is not none %} OR {{ column }} > {{ highest }}{% endif %}
    ) AS out_of_range_{{ loop.index }}
    {%- endfor %}
