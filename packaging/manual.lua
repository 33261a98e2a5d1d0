-- What differs between a page to be read in a browser and a manual page: links lead nowhere there, so
-- only their text stays, and the first page of the configuration gets its name.

function Link(link)
  return link.content
end

function Header(header)
  if header.level == 1 then
    header.content = pandoc.Inlines(pandoc.text.upper(pandoc.utils.stringify(header)))
  end
  return header
end

-- Of a line's 78 characters each column gets its longest word, and of the rest as much as it has to
-- say: all the same, the last one of a wide table has a word a line.
function Table(table)
  local word, text, words, all = {}, {}, 0, 0
  local function measure(row)
    for column, cell in ipairs(row.cells) do
      local said = pandoc.utils.stringify(cell.contents)
      text[column] = math.max(text[column] or 0, math.min(utf8.len(said) or 0, 160))
      for each in said:gmatch("%S+") do
        word[column] = math.max(word[column] or 0, math.min(utf8.len(each) or 0, 40))
      end
    end
  end
  for _, row in ipairs(table.head.rows) do measure(row) end
  for _, body in ipairs(table.bodies) do
    for _, row in ipairs(body.body) do measure(row) end
  end
  local line = 72 - 3 * #text
  for column, length in ipairs(text) do
    word[column] = (word[column] or 0) + 1
    words = words + word[column]
    all = all + length
  end
  table.colspecs = pandoc.List(table.colspecs):map(function(spec, column)
    if all <= line then return { spec[1], nil } end
    local more = math.max(0, line - words) * (text[column] - word[column]) / math.max(1, all - words)
    return { spec[1], (word[column] + more) / 78 }
  end)
  return table
end

-- page: "name: what it is", of a text that was written as a guide.
function Pandoc(document)
  if document.meta.page then
    local page = pandoc.utils.stringify(document.meta.page)
    document.meta.title = pandoc.text.upper(page:match("^[^:]+"))
    document.blocks:insert(1, pandoc.Header(1, "NAME"))
    document.blocks:insert(2, pandoc.Para((page:gsub(": ", " - ", 1))))
    document.blocks:insert(3, pandoc.Header(1, "DESCRIPTION"))
  end
  return document
end
