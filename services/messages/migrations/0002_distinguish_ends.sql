-- A request that was refused for its key has no answer of its own: if one is told, it takes the
-- refusal's place. So the two are told apart by the state, and the problem is said when it is read.
alter table messages drop constraint messages_state_check;

update messages
   set state = substr(response_body::jsonb ->> 'type', length('/problems/') + 1),
       response_status = null, response_headers = null, response_body = null
 where response_status in (410, 422)
   and response_body::jsonb ->> 'type' in ('/problems/key-expired', '/problems/key-reused');

alter table messages add constraint messages_state_check
  check (state in ('pending', 'parked', 'key-expired', 'key-reused', 'answered'));
