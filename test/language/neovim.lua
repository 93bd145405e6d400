-- Starts the server in a foreign editor and prints what it answers as one JSON line.
-- Neovim 0.7 has no `-l`: run with `nvim --headless -u NONE -i NONE -n -c 'luafile neovim.lua'`; the environment names
-- SERVER, FOLDER, FILE, HOVERS ("line:character,…") and EDIT (a line to replace, and its text).
local function wait(what, check)
  assert(vim.wait(10000, check, 20), what .. ' did not happen')
end

local ok, problem = pcall(function()
  vim.cmd('edit ' .. vim.env.FILE)
  local buffer = vim.api.nvim_get_current_buf()
  vim.bo[buffer].filetype = 'python'
  local published = 0
  local id = vim.lsp.start_client({
    name = 'lib-lens', cmd = { 'node', vim.env.SERVER, '--stdio' }, root_dir = vim.env.FOLDER,
    workspace_folders = { { uri = vim.uri_from_fname(vim.env.FOLDER), name = 'workspace' } },
    handlers = { ['textDocument/publishDiagnostics'] = function(_, result, context, config)
      published = published + 1
      vim.lsp.diagnostic.on_publish_diagnostics(_, result, context, config)
    end },
  })
  assert(id, 'the client did not start')
  vim.lsp.buf_attach_client(buffer, id)
  local client = vim.lsp.get_client_by_id(id)
  wait('initialization', function() return client.initialized end)
  local document = { uri = vim.uri_from_bufnr(buffer) }
  local function request(method, params)
    local answer, failure = client.request_sync(method, params, 8000, buffer)
    assert(answer, failure)
    assert(not answer.err, vim.inspect(answer.err))
    return answer.result
  end
  local function messages()
    return vim.tbl_map(function(d) return { line = d.lnum, message = d.message } end, vim.diagnostic.get(buffer))
  end

  local report = { hovers = {} }
  wait('the first diagnostics', function() return published > 0 end)
  report.diagnostics = messages()
  for line, character in string.gmatch(vim.env.HOVERS, '(%d+):(%d+)') do
    local hover = request('textDocument/hover', { textDocument = document, position = { line = tonumber(line), character = tonumber(character) } })
    table.insert(report.hovers, hover and hover.contents.value or '')
  end
  report.links = request('textDocument/documentLink', { textDocument = document })
  report.models = request('lib/models', vim.empty_dict())

  local before = published
  local line, text = string.match(vim.env.EDIT, '^(%d+):(.*)$')
  vim.api.nvim_buf_set_lines(buffer, tonumber(line), tonumber(line) + 1, false, { text })
  wait('diagnostics after the edit', function() return published > before and #vim.diagnostic.get(buffer) < #report.diagnostics end)
  report.afterEdit = messages()

  vim.lsp.stop_client(id)
  wait('the end of the server', function() return vim.lsp.client_is_stopped(id) end)
  io.stdout:write('REPORT ' .. vim.json.encode(report) .. '\n')
end)
if not ok then
  io.stdout:write('PROBLEM ' .. tostring(problem) .. '\n')
  vim.cmd('cquit 1')
end
vim.cmd('qa!')
