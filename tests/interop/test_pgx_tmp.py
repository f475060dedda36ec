import asyncio, threading, time
from tests.interop.test_postgresql import *
def test_second_starts_amid(node, fresh_postgresql_url):
    other = node.copy(node.folder.with_name("second"))
    stop = threading.Event(); wrong=[]; n=[0]
    with node.serve():
        def work():
            k=0
            while not stop.is_set():
                bodies=[messages.accept_item(k*100+i,"PG") for i in range(100)]; k+=1
                a=send_all(node,bodies); n[0]+=100
                wrong.extend(x for x in a if not is_success(x))
        t=threading.Thread(target=work); t.start()
        for _ in range(3):
            with other.serve(): pass
        stop.set(); t.join()
    print(n, len(wrong), wrong[:2])
    print(values(fresh_postgresql_url,"SELECT outcome||count(*) from message group by outcome"))
    print(values(fresh_postgresql_url,"SELECT count(*) from message where note like '%interruption%'"))
    print(node.log.read_text()[-3000:]); print(other.log.read_text()[-5000:])
    assert 0
