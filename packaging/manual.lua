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
